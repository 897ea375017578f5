SELECT E'a'
    '\'b';
ALTER TYPE paint ADD VALUE 'c'; --'
