-- Text that would be markup, or end it, in one of the formats.
CREATE TABLE pages (
    id   integer PRIMARY KEY,
    html text DEFAULT E'</pre> ` | c\nd \\',
    code text CHECK (code <> '\|`')
);
COMMENT ON TABLE pages IS E'With a | pipe, `backticks`, ``two``, <b>HTML</b> & &amp; an [x](javascript:alert(1)), __bold__, $math$, # no heading\n# no heading either\n```\nno fence';
COMMENT ON COLUMN pages.id IS '<img src=x onerror=alert(1)>';
COMMENT ON COLUMN pages.html IS E'two\nlines | and a \\ backslash at the end\\';
COMMENT ON COLUMN pages.code IS 'it''s "quoted"';
