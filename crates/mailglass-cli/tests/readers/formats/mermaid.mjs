import { createRequire } from 'node:module';

export const title = 'the diagrams in README.md render in Mermaid';

const MERMAID = createRequire(import.meta.url).resolve('mermaid/dist/mermaid.min.js');

export async function check({ read, schema, browser }) {
  const blocks = [...read('README.md').matchAll(/^(`{3,})mermaid\n([\s\S]*?)\n\1$/gm)].map((match) => match[2]);
  const problems = [];
  if (blocks.length !== (schema.behaviour === null ? 1 : 3)) problems.push(`${blocks.length} diagrams`);
  const page = await browser.newPage();
  await page.setContent('<main></main>');
  await page.addScriptTag({ path: MERMAID });
  const drawn = await page.evaluate(async (diagrams) => {
    // The configuration of code hosts, with Mermaid's default limits.
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
  problems.push(...drawn.filter((diagram) => diagram.error).map((diagram) => diagram.error));
  await page.close();
  const entities = drawn.find((diagram) => diagram.kind === 'erDiagram');
  const missing = schema.relations.filter((relation) => entities !== undefined && !entities.words.includes(relation.name));
  problems.push(...missing.map((relation) => `not drawn: ${relation.name}`));
  return problems;
}
