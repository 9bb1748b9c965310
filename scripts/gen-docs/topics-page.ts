// The page of topics: who publishes what, who reads it, which fields it has.
import { z } from 'zod';
import { lockstepReportTopic, type Topic, topics } from '../../src/bus/topics.ts';
import type { EngineDocument } from './routes-page.ts';
import { cell, type JsonSchema, schemaText } from './schema-text.ts';

const INTRO = `
# Topics

Every message of the system travels on one of these topics, in the envelope \`{id, topic, version, ts_event_us, ts_sent_us,
correlation_id, source, session?, step?, body}\`. Times are integer microseconds since the epoch: \`ts_event_us\` in the time of
the market, \`ts_sent_us\` when the message was published. \`correlation_id\` is the id of the bar that began
the chain, or the trace of the request that did ([traces](observability.md#traces)).
\`session\` and \`step\` are there in a lockstep replay only. A body that breaks its schema is refused at the publisher.

Delivery: \`publish\` is at most once, for what the next message replaces. \`append\` is never lost and has its effect
once ([durable events](events.md)). "Read by" lists the engines that read it as part
of the flow of bars, live and in a replay. Some follow more while they run live: strategy reads
\`portfolio.valuations\`, ml reads \`risk.portfolio_updates\`, and the WebSocket engine hands its clients all topics but the \`lockstep\` ones
and the questions between engines ([websocket.md](websocket.md)).
`;

/** Returns the page of topics; `engines` say who reads what. */
export function topicsPage(engines: readonly EngineDocument[]): string {
  // One report topic stands for those of all engines, which differ in their name only.
  const all: Topic<unknown>[] = [...Object.values(topics), lockstepReportTopic('<engine>')];
  const rows = all.map(({ name, owner, delivery, description }) => {
    const readers = engines.filter((engine) => engine.consumes.includes(name)).map((engine) => engine.name);
    const publisher = { '*': 'every engine', '<engine>': 'that engine' }[owner] ?? owner;
    return `| \`${name}\` | ${publisher} | ${delivery} | ${readers.join(', ')} | ${cell(description)} |`;
  });
  const table = ['| topic | owner | delivery | read by | what |', '|---|---|---|---|---|', ...rows];
  return `${[INTRO.trimEnd(), '', ...table, '', ...all.flatMap(section)].join('\n').trimEnd()}\n`;
}

function section({ name, version, schema }: Topic<unknown>): string[] {
  const json = z.toJSONSchema(schema, { unrepresentable: 'any' }) as JsonSchema;
  const kinds = json.oneOf ?? json.anyOf ?? [json];
  return [`## \`${name}\` (version ${version})`, '', ...kinds.flatMap(fields)];
}

function fields({ properties = {}, required = [] }: JsonSchema): string[] {
  const rows = Object.entries(properties).flatMap(([name, schema]) => [
    row(name, schema, !required.includes(name)),
    ...nested(name, schema),
  ]);
  return ['| field | type |', '|---|---|', ...rows, ''];
}

/** Members of an object, or of the objects of a list, as rows of their own. */
function nested(name: string, schema: JsonSchema): string[] {
  const [inner, path] = schema.items ? [schema.items, `${name}[]`] : [schema, name];
  return Object.entries(inner.properties ?? {}).map(([key, value]) => row(`${path}.${key}`, value, false));
}

function row(name: string, schema: JsonSchema, optional: boolean): string {
  return `| \`${name}\` | ${cell(schemaText(schema))}${optional ? '; optional' : ''} |`;
}
