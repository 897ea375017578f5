// Ids are unique, and every link leads to a visible element.
export const title = 'has unique ids and working links';

export const check = ({ open }) => open({}, (page) => page.evaluate(() => {
  const problems = [];
  const ids = new Set();
  for (const { id } of document.querySelectorAll('[id]')) {
    if (ids.has(id)) problems.push(`twice: ${id}`);
    ids.add(id);
  }
  const links = document.querySelectorAll('a');
  if (links.length < 5) problems.push(`only ${links.length} links`);
  const hrefs = new Set([...links].map((link) => link.getAttribute('href') ?? ''));
  for (const href of hrefs) {
    if (!href.startsWith('#')) {
      if (!/^(https?|mailto):/.test(href)) problems.push(`neither inside nor a page: ${href}`);
      continue;
    }
    const target = document.getElementById(decodeURIComponent(href.slice(1)));
    if (!target) problems.push(`nowhere: ${href}`);
    else if (!target.checkVisibility() || target.getClientRects().length === 0) problems.push(`not to be seen: ${href}`);
  }
  return problems;
}));
