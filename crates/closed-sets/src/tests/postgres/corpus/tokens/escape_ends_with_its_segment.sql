SELECT see(to_jsonb(s)) FROM (SELECT E'\47'
'0061' AS n) s;
SELECT see(to_jsonb(s)) FROM (SELECT E'\x4'
'1' AS n) s;
