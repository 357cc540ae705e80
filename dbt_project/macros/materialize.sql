{#
    Incremental models here take their days out (a pre-hook) and append them anew, in one transaction. dbt's own way
    through a temporary table, with questions about columns before and after, took most of a model's time in a run of
    one day. Columns cannot have changed in such a run: other SQL makes the transform a full one, which goes dbt's way
    and enforces the contract.
#}
{% materialization incremental, adapter="duckdb", supported_languages=["sql"] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is none or existing.is_view or should_full_refresh() -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- endif -%}
    {%- set target = this.incorporate(type="table") -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement("main") -%}
        insert into {{ target }} by name
        {{ compiled_code }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}
