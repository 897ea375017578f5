// Diagrams: boxes, texts and labels don't overlap, and texts stay in their boxes.
export const title = 'draws diagrams without overlaps';

export const check = ({ open }) => open({}, (page) => page.evaluate(() => {
  const problems = [];
  const touches = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
  const holds = (a, b) => a.left <= b.left + 0.5 && b.right <= a.right + 0.5 && a.top <= b.top + 0.5 && b.bottom <= a.bottom + 0.5;
  const measured = (elements) => [...elements].map((element) => ({
    what: element.textContent || element.nextElementSibling?.textContent.trim(),
    at: element.getBoundingClientRect(),
    element,
  }));
  for (const svg of document.querySelectorAll('.figure svg')) {
    const view = svg.getBoundingClientRect();
    const boxes = measured(svg.querySelectorAll('.box'));
    const labels = measured(svg.querySelectorAll('.label'));
    const spans = [...svg.querySelectorAll('g > text:not(.label), g > a > text')].flatMap((element) => {
      const parts = element.querySelectorAll('tspan');
      return measured(parts.length > 0 ? parts : [element]);
    });
    if (boxes.length === 0) problems.push('a diagram without a box');
    for (const { what, at } of [...boxes, ...labels, ...spans]) if (!holds(view, at)) problems.push(`cut off: ${what}`);
    boxes.forEach((a, index) => {
      for (const b of boxes.slice(index + 1)) if (touches(a.at, b.at)) problems.push(`boxes touch: ${a.what} and ${b.what}`);
      for (const label of labels) if (touches(a.at, label.at)) problems.push(`on a box: ${label.what}`);
    });
    labels.forEach((a, index) => {
      for (const b of labels.slice(index + 1)) if (touches(a.at, b.at)) problems.push(`labels touch: ${a.what} and ${b.what}`);
    });
    for (const { what, at, element } of spans) {
      const box = element.closest('g').querySelector('.box').getBoundingClientRect();
      if (!holds(box, at)) problems.push(`out of its box: ${what}`);
    }
    const byGroup = Map.groupBy(spans, ({ element }) => element.closest('g'));
    for (const group of byGroup.values()) {
      group.forEach((a, index) => {
        for (const b of group.slice(index + 1)) if (touches(a.at, b.at)) problems.push(`texts touch: ${a.what} and ${b.what}`);
      });
    }
    for (const line of svg.querySelectorAll('.l path:not(.m)')) if (line.getTotalLength() < 10) problems.push('a line that leads nowhere');
  }
  return problems;
}));
