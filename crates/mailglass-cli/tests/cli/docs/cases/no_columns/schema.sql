-- A table without columns, which DBML and Mermaid can't write as one.
CREATE TABLE empty ();
