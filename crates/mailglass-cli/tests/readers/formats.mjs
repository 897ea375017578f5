// Checks README.md, schema.json and schema.dbml with the parsers that read them elsewhere: node formats.mjs <folder>…
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { launch } from './browser.mjs';
import * as dbml from './formats/dbml.mjs';
import * as json from './formats/json.mjs';
import * as markdown from './formats/markdown.mjs';
import * as mermaid from './formats/mermaid.mjs';
import { report } from './report.mjs';

const folders = process.argv.slice(2).map((folder) => resolve(folder));
if (folders.length === 0) {
  console.error('usage: node formats.mjs <folder>…');
  process.exit(2);
}

let failed = 0;
const browser = await launch();
for (const folder of folders) {
  const read = (name) => readFileSync(join(folder, name), 'utf8');
  const schema = JSON.parse(read('schema.json'));
  for (const { title, check } of [json, dbml, markdown, mermaid]) {
    const problems = await check({ read, schema, browser }).catch((error) => [`check: ${error.stack}`]);
    failed += report(folder, title, problems);
  }
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);
