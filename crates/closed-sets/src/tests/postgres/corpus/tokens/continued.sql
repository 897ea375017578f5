SELECT see(to_jsonb(s)) FROM (SELECT E'a' -- it's
    -- "; $$
    '\'; b' AS n) s;
SELECT see(to_jsonb(s)) FROM (SELECT E'\xc3'
'\xa9' AS "é") s;
SELECT see(to_jsonb(s)) FROM (SELECT U&'!00'
    '61' UESCAPE '!' AS "a""b") s;
SELECT see(to_jsonb(s)) FROM (SELECT 'a\'
'b' AS n) s;
