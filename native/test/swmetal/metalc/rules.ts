// Rules of MSL that clang does not know in C++ for OpenCL, checked on the syntax tree that clang prints.
import { CompileError } from './clang.ts';

/** One line of the printed tree. */
interface Node {
  readonly depth: number;
  readonly kind: string;
  readonly text: string;
}

/** Kinds of nodes that MSL has no counterpart of. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  LambdaExpr: 'a lambda expression',
  GotoStmt: 'goto',
  IndirectGotoStmt: 'goto',
  CXXConstructorDecl: 'a constructor',
  CXXDestructorDecl: 'a destructor',
  CXXDynamicCastExpr: 'dynamic_cast',
  CXXTypeidExpr: 'typeid',
  CXXNewExpr: 'new',
  CXXDeleteExpr: 'delete',
  public: 'a base class',
  private: 'a base class',
  protected: 'a base class',
};

const DECLARATION = /^(?:ParmVar|Var|Field|Function|CXXMethod|Typedef|TypeAlias)Decl$/;
const CAST = /^(?:CStyle|CXXStatic|CXXReinterpret|CXXFunctional|CXXConst)CastExpr$/;
const MEMBER_FUNCTION = /^CXX(?:Constructor|Method|Destructor|Conversion)Decl$/;

/**
 * Checks the tree of the file that is called `file` in it. Throws `CompileError` with all findings: pointers
 * and references without an address space, member functions called on objects outside of `thread`, and parts
 * of C++ that MSL leaves out.
 */
export function checkRules(tree: string, file: string): void {
  const found = new Set<string>();
  const path: Node[] = [];
  let current = '';
  let line = 0;
  for (const printed of tree.split('\n')) {
    const depth = printed.search(/[^\s|`-]/);
    if (depth === -1) continue;
    const text = printed.slice(depth);
    // A position names its file and its line only where they differ from those printed before it.
    for (const [, name, number] of positionsOf(text).matchAll(/([^\s<>,:][^<>,:]*):(\d+)/g)) {
      if (name === 'col') continue;
      if (name !== 'line') current = name!;
      line = Number(number);
    }
    while (path.length > 0 && path.at(-1)!.depth >= depth) path.pop();
    const node: Node = { depth, kind: /^\w+/.exec(text)?.[0] ?? '', text };
    const fault = current === file ? faultOf(node, path) : undefined;
    if (fault) found.add(`${file}:${line}: error: ${fault}`);
    path.push(node);
  }
  if (found.size > 0) throw new CompileError([...found].join('\n'));
}

const RANGE = /^\w+ 0x[0-9a-f]+ (?:(?:prev|parent) 0x[0-9a-f]+ )*<((?:[^<>]|<[^<>]*>)*)>/;
const NAME_POSITION = /^ ((?:line|col|[^\s<>'":]+):\d+\S*)/;

/** Returns the positions that a node prints: its range, and after it where its name is. */
function positionsOf(text: string): string {
  const range = RANGE.exec(text);
  return range ? `${range[1]}, ${NAME_POSITION.exec(text.slice(range[0].length))?.[1] ?? ''}` : '';
}

function faultOf(node: Node, path: readonly Node[]): string | undefined {
  const { kind, text } = node;
  // What the compiler adds by itself, such as copying, is no matter of the author.
  if ([node, ...path].some((one) => MEMBER_FUNCTION.test(one.kind) && /> \S+ implicit /.test(one.text)))
    return;
  if (FORBIDDEN[kind]) return `${FORBIDDEN[kind]} is not available in MSL`;
  if (kind === 'CXXMethodDecl' && / virtual\b/.test(text))
    return 'a virtual function is not available in MSL';
  if (DECLARATION.test(kind) && !/> \S+ implicit /.test(text)) {
    // The space of `this` stands after the parameters of a member function.
    const type = typeOf(text).replace(/\)((?: const)?) __generic\b/, ')$1');
    if (type.includes('__generic')) return `a pointer or reference without an address space: ${type}`;
  }
  if (CAST.test(kind) && /__generic [^']*[*&]/.test(typeOf(text))) {
    return `a cast to a pointer or reference without an address space: ${typeOf(text)}`;
  }
  return conversionFault(node, path);
}

/** Finds what leaves its address space. Copies do, by the implicit constructor and operator of their type. */
function conversionFault({ text }: Node, path: readonly Node[]): string | undefined {
  const parent = path.at(-1);
  if (!parent?.text.includes('<AddressSpaceConversion>') || !/__(?:global|local)/.test(typeOf(text))) return;
  const reason = path.at(-2);
  if (reason?.kind === 'CXXConstructExpr' || / '='$/.test(reason?.text ?? '')) return;
  return `a member function for objects in thread is called on ${typeOf(text)}: name their space after it`;
}

/** Returns the type that a node prints, with what an alias stands for. */
function typeOf(text: string): string {
  return /'[^']*'(?::'[^']*')?/.exec(text)?.[0] ?? '';
}
