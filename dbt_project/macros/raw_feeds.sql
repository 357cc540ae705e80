{#
    Schema `raw`: `all_<table>` over all feeds that deliver such a table, which staging reads, and a view per feed for
    people who look. Views find files by name, so a new file feed needs no SQL. A table that no feed delivers here is
    shown empty, with the columns that its source declares (`data_type` in YAML). A view that already stands for the
    same files is left as it is: creating one lists every file.
#}
{% macro show_raw_feeds() %}
    {% if not execute %}{{ return("") }}{% endif %}
    {% set raw = env_var("FOOTFALL_HOME") ~ "/raw" %}
    {% set empty_partitions = quoted(raw ~ "/*/*/business_date=1900-01-01/*.parquet") %}
    {% set wanted = {} %}
    {% for file in run_query("select file from glob(" ~ empty_partitions ~ ")").columns[0].values() %}
        {% set parts = file.split("/") %}
        {% set table = parts[-1] | replace(".parquet", "") %}
        {% set feed = parts[-3] ~ ("_rejected" if table == "rejected" else "") %}
        {% do wanted.update({feed: raw_scan(raw ~ "/" ~ parts[-4] ~ "/" ~ parts[-3] ~ "/business_date=*/" ~ parts[-1])}) %}
        {% do wanted.update({"all_" ~ table: raw_scan(raw ~ "/*/*/business_date=*/" ~ parts[-1])}) %}
    {% endfor %}
    {% for source in graph.sources.values() if source.schema == "raw" and source.identifier not in wanted %}
        {% do wanted.update({source.identifier: no_rows(source.columns.values())}) %}
    {% endfor %}
    {% do run_query("create schema if not exists raw") %}
    {% set standing = {} %}
    {% for row in run_query("select view_name, comment from duckdb_views() where schema_name = 'raw'").rows %}
        {% do standing.update({row[0]: row[1]}) %}
    {% endfor %}
    {% for name, query in wanted.items() if standing.get(name) != query %}
        {% do run_query('create or replace view raw."' ~ name ~ '" as ' ~ query) %}
        {% do run_query('comment on view raw."' ~ name ~ '" is ' ~ quoted(query)) %}
    {% endfor %}
    {% for name in standing if name not in wanted %}
        {% do run_query('drop view raw."' ~ name ~ '"') %}
    {% endfor %}
    {{ return("") }}
{% endmacro %}

{% macro raw_scan(files) -%}
    select * from read_parquet({{ quoted(files) }}, hive_partitioning = true, hive_types = {'business_date': date})
{%- endmacro %}

{% macro no_rows(columns) -%}
    select {% for column in columns %}null::{{ column.data_type }} as "{{ column.name }}", {% endfor %}null::date as business_date where false
{%- endmacro %}

{% macro quoted(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}
