//! Objects of others that PostgreSQL finds in place of the ones that our statements mean are reported.

use super::assert_reported;

/// With an implicit cast to text, `type = 'bounced'` fails with "operator is not unique".
#[test]
fn casts_of_our_types_are_reported() {
    assert_reported(&[
        (
            "CREATE CAST (mailglass_event_type AS text) WITH INOUT AS IMPLICIT",
            &["+ Cast mailglass_event_type AS text"],
        ),
        (
            "CREATE CAST (text AS mailglass_delivery_status) WITH INOUT",
            &["+ Cast text AS mailglass_delivery_status"],
        ),
        (
            "CREATE FUNCTION label_of(mailglass_stream[]) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT NULL::text';
             CREATE CAST (mailglass_stream[] AS text) WITH FUNCTION label_of(mailglass_stream[]) AS ASSIGNMENT",
            &["+ Cast mailglass_stream[] AS text"],
        ),
        (
            "CREATE TYPE stream AS ENUM ('bulk');
             CREATE CAST (stream AS mailglass_stream) WITH INOUT AS ASSIGNMENT;
             CREATE CAST (stream AS text) WITH INOUT AS IMPLICIT",
            &["(+) Cast stream AS mailglass_stream"],
        ),
    ]);
}

#[test]
fn operators_functions_and_types_that_search_path_finds_first_are_reported() {
    assert_reported(&[
        (
            "CREATE FUNCTION same(mailglass_event_type, mailglass_event_type) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR = (LEFTARG = mailglass_event_type, RIGHTARG = mailglass_event_type, FUNCTION = same)",
            &["+ Operator public.=(mailglass_event_type, mailglass_event_type)"],
        ),
        (
            "CREATE FUNCTION same(anyelement, anyelement) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR <> (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = same)",
            &["+ Operator public.<>(anyelement, anyelement)"],
        ),
        (
            "CREATE DOMAIN kind AS mailglass_event_type;
             CREATE FUNCTION same(kind, kind) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR = (LEFTARG = kind, RIGHTARG = kind, FUNCTION = same)",
            &["+ Operator public.=(kind, kind)"],
        ),
        (
            "CREATE OPERATOR CLASS backwards DEFAULT FOR TYPE mailglass_event_type USING btree AS
                 OPERATOR 1 > (anyenum, anyenum), OPERATOR 2 >= (anyenum, anyenum), OPERATOR 3 = (anyenum, anyenum),
                 OPERATOR 4 <= (anyenum, anyenum), OPERATOR 5 < (anyenum, anyenum),
                 FUNCTION 1 (mailglass_event_type, mailglass_event_type) enum_cmp(anyenum, anyenum)",
            &["+ Operator class public.backwards"],
        ),
        // If an operator of pg_catalog has the same types, the order in search_path decides.
        (
            "CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
            &[],
        ),
        (
            "CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq); SET search_path = public, pg_catalog",
            &["(~) Setting search_path", "+ Operator public.=(text, text)"],
        ),
        ("SET search_path = public, pg_catalog", &["(~) Setting search_path"]),
        ("SET search_path = pg_catalog, public", &[]),
        // Our calls name pg_catalog. Those of the application may not.
        (
            "CREATE FUNCTION array_position(text[], text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            &["(+) Function public.array_position(text[], text)"],
        ),
        (
            "CREATE FUNCTION unnest(VARIADIC text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT NULL::text'",
            &["(+) Function public.unnest(text[])"],
        ),
        // Diesel calls this function to look up our enums.
        (
            "CREATE FUNCTION quote_ident(text) RETURNS text LANGUAGE sql AS 'SELECT $1'; SET search_path = public, pg_catalog",
            &["(~) Setting search_path", "+ Function public.quote_ident(text)"],
        ),
        // pg_temp is searched before pg_catalog, including for the row type of a temporary table.
        ("CREATE TEMP TABLE text (x integer)", &["+ Type pg_temp.text"]),
        // Other types, other names and other schemas, such as those of an extension.
        (
            "CREATE TYPE pair AS (x integer);
             CREATE FUNCTION same(pair, pair) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE FUNCTION lower(pair) RETURNS pair LANGUAGE sql AS 'SELECT $1';
             CREATE OPERATOR = (LEFTARG = pair, RIGHTARG = pair, FUNCTION = same);
             CREATE OPERATOR %% (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);
             CREATE FUNCTION near(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE SCHEMA elsewhere;
             CREATE FUNCTION elsewhere.array_position(text[], text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            &[],
        ),
    ]);
}
