// Checks pages of schema docs in a browser and writes screenshots to ./out: node page.mjs <index.html>…
import { mkdirSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launch, withPage } from './browser.mjs';
import { report } from './report.mjs';
import * as access from './checks/access.mjs';
import * as filter from './checks/filter.mjs';
import * as geometry from './checks/geometry.mjs';
import * as keyboard from './checks/keyboard.mjs';
import * as links from './checks/links.mjs';
import * as pictures from './checks/pictures.mjs';
import * as plain from './checks/plain.mjs';
import * as valid from './checks/valid.mjs';

const CHECKS = [valid, links, filter, keyboard, geometry, plain, access, pictures];

const files = process.argv.slice(2).map((file) => resolve(file));
if (files.length === 0) {
  console.error('usage: node page.mjs <index.html>…');
  process.exit(2);
}
const out = resolve(dirname(fileURLToPath(import.meta.url)), 'out');
mkdirSync(out, { recursive: true });

let failed = 0;
const browser = await launch();
for (const file of files) {
  const url = pathToFileURL(file).href;
  const name = `${basename(dirname(file))}-${basename(file, '.html')}`;
  const open = (options, check) => withPage(browser, url, options, check);
  for (const { title, check } of CHECKS) {
    const problems = await check({ file, name, out, open }).catch((error) => [`check: ${error.message}`]);
    failed += report(file, title, problems);
  }
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);
