SELECT see(to_jsonb(s)) FROM (SELECT/*/* ; */-*//**/'*/'/*'*/AS--'
n) s;--;
;;
SELECT see(to_jsonb(s)) FROM (SELECT E'\101\x42\u0043\U00000044\t\\' AS n) s
