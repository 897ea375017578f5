SELECT see(to_jsonb(s)) FROM (SELECT $$it's; "$$ AS U&"pg\005fenum") s;
SELECT see(to_jsonb(s)) FROM (SELECT $q$ $$ $q $Q$ $q$ AS u&"d!0061t!+000061" /* " */ Uescape '!') s;
SELECT see(to_jsonb(s)) FROM (SELECT U&'\D834\DD1E \\' AS PG_Enum$1) s;
