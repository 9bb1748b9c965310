// Elements by id, texts, and tables that reuse their rows. Data only ever becomes textContent.

/** Returns the element with an id. */
export const byId = (id) => document.getElementById(id);

/** Sets text only when it changes, so that nothing is laid out in vain. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Returns a new element. */
export function element(tag, className = '') {
  const node = document.createElement(tag);
  if (className) node.className = className;
  return node;
}

/** A table that reuses its rows. `columns`: [title, class of its cells, value of a row as text or [text, tone, hint]]. */
export class Table {
  #columns;
  #body = element('tbody');
  #empty = element('caption');
  #root;

  constructor(root, columns, emptyText) {
    this.#root = root;
    this.#columns = columns;
    const head = element('thead');
    const row = element('tr');
    for (const [title, className] of columns) {
      const cell = element('th', className);
      cell.textContent = title;
      cell.scope = 'col';
      row.append(cell);
    }
    head.append(row);
    this.#empty.textContent = emptyText;
    root.append(this.#empty, head, this.#body);
  }

  draw(rows) {
    this.#root.classList.toggle('none', rows.length === 0);
    while (this.#body.rows.length > rows.length) this.#body.lastChild.remove();
    while (this.#body.rows.length < rows.length) {
      const row = element('tr');
      for (const [, className] of this.#columns) row.append(element('td', className));
      this.#body.append(row);
    }
    rows.forEach((data, i) => {
      const { cells } = this.#body.rows[i];
      this.#columns.forEach(([, className, value], c) => {
        const [text, tone = '', hint = ''] = [value(data)].flat();
        setText(cells[c], text);
        const wanted = `${className} ${tone}`.trim();
        if (cells[c].className !== wanted) cells[c].className = wanted;
        if (cells[c].title !== hint) cells[c].title = hint;
      });
    });
  }
}
