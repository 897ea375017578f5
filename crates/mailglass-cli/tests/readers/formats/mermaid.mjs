import { createRequire } from 'node:module';

export const title = 'README.md\'s diagrams are Mermaid\'s, and drawn';

const MERMAID = createRequire(import.meta.url).resolve('mermaid/dist/mermaid.min.js');

export async function check({ read, schema, browser }) {
  const blocks = [...read('README.md').matchAll(/^(`{3,})mermaid\n([\s\S]*?)\n\1$/gm)].map((it) => it[2]);
  const problems = [];
  if (blocks.length !== (schema.behaviour === null ? 1 : 3)) problems.push(`${blocks.length} diagrams`);
  const page = await browser.newPage();
  await page.setContent('<main></main>');
  await page.addScriptTag({ path: MERMAID });
  const drawn = await page.evaluate(async (diagrams) => {
    // As code hosts have it, with the limits that Mermaid has by default.
    mermaid.initialize({ startOnLoad: false });
    const results = [];
    for (const [at, text] of diagrams.entries()) {
      try {
        await mermaid.parse(text);
        const { svg } = await mermaid.render(`diagram${at}`, text);
        const words = new DOMParser().parseFromString(svg, 'text/html').body.textContent;
        results.push({ kind: text.split('\n')[0], words, dashed: svg.includes('relationshipLine') ? svg : '' });
      } catch (error) {
        results.push({ error: `${text.split('\n')[0]}: ${error.message}` });
      }
    }
    return results;
  }, blocks);
  problems.push(...drawn.filter((it) => it.error).map((it) => it.error));
  await page.close();
  const entities = drawn.find((it) => it.kind === 'erDiagram');
  const missing = schema.relations.filter((it) => entities !== undefined && !entities.words.includes(it.name));
  problems.push(...missing.map((it) => `not drawn: ${it.name}`));
  return problems;
}
