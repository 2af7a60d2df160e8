// Random GraphQL documents by the grammar of the language and by a schema: operations, fields with aliases, arguments
// and directives, inline and named fragments, variables with defaults, and literals of all input types.
import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import { chance, ids, numbers, pick, texts, times, wrong } from './values.mjs';

/** The depth at which a document selects only leaves. */
const MAX_DEPTH = 5;

function inputValue(type, depth = 0) {
  if (chance(0.04)) return wrong();
  if (!isNonNullType(type) && chance(depth === 0 ? 0.3 : 0.6)) return chance(0.5) ? null : undefined;
  const nullable = getNullableType(type);
  if (isListType(nullable)) {
    const count = chance(0.01) ? pick([100, 101, 500, 501]) : pick([0, 1, 1, 2, 3]);
    return times(count, () => inputValue(nullable.ofType, depth + 1));
  }
  if (isEnumType(nullable)) return chance(0.03) ? 'NO_SUCH_VALUE' : pick(nullable.getValues()).name;
  if (isInputObjectType(nullable)) {
    const fields = Object.values(nullable.getFields()).map((field) => [field.name, inputValue(field.type, depth + 1)]);
    const given = fields.filter(([, value]) => value !== undefined);
    if (chance(0.02)) given.push(['noSuchField', wrong()]);
    return Object.fromEntries(given);
  }
  switch (nullable.name) {
    case 'ID':
      return pick(ids);
    case 'Int':
    case 'Amount':
    case 'Float':
      return pick(numbers);
    case 'Boolean':
      return chance(0.5);
    default:
      return chance(0.2) ? pick(ids) : pick(texts);
  }
}

function textLiteral(text) {
  const escaped = JSON.stringify(text.slice(0, 3_000));
  const isBlock = chance(0.1) && !/[\u0000-\u0008\u000b-\u001f"\\\ud800-\udfff]/.test(text);
  return isBlock ? `"""${text.slice(0, 3_000)}"""` : escaped;
}

class Document {
  variables = [];
  fragments = [];
  names = 0;

  constructor(schema) {
    this.schema = schema;
  }

  name(prefix) {
    this.names += 1;
    return `${prefix}${this.names}`;
  }

  /** Declares a variable and returns its name. */
  variable(type) {
    const name = this.name('v');
    const value = inputValue(type);
    const isOptional = !isNonNullType(type) && chance(0.2);
    const byDefault = isOptional ? ` = ${this.literal(inputValue(type) ?? null, type, false)}` : '';
    this.variables.push({ name, declaration: `$${name}: ${type}${byDefault}`, value });
    return `$${name}`;
  }

  /** Writes a value as a literal. A part of it may be a variable. */
  literal(value, type, hasVariables) {
    if (hasVariables && chance(0.1)) return this.variable(type);
    const nullable = getNullableType(type);
    if (value === null || value === undefined) return 'null';
    if (Array.isArray(value)) {
      const item = isListType(nullable) ? nullable.ofType : nullable;
      return `[${value.slice(0, 200).map((each) => this.literal(each, item, hasVariables)).join(', ')}]`;
    }
    if (typeof value === 'object') {
      const known = isInputObjectType(nullable) ? nullable.getFields() : {};
      const fields = Object.entries(value).map(([name, each]) => `${name}: ${this.literal(each, known[name]?.type ?? nullable, hasVariables)}`);
      return `{${fields.join(', ')}}`;
    }
    if (typeof value === 'string') return isEnumType(nullable) && chance(0.97) ? value : textLiteral(value);
    return String(value);
  }

  directives() {
    if (!chance(0.06)) return '';
    const condition = chance(0.5) ? this.booleanVariable() : pick(['true', 'false', '1', 'null']);
    return pick([
      ` @include(if: ${condition})`,
      ` @skip(if: ${condition})`,
      ` @skip(if: false) @include(if: ${condition})`,
      ' @skip',
      ' @noSuchDirective',
    ]);
  }

  booleanVariable() {
    const name = this.name('v');
    this.variables.push({ name, declaration: `$${name}: Boolean!`, value: chance(0.95) ? chance(0.5) : wrong() });
    return `$${name}`;
  }

  arguments(field) {
    const given = field.args.filter((argument) => isNonNullType(argument.type) || chance(0.5));
    const list = given.map((argument) => {
      const value = chance(0.6) ? this.variable(argument.type) : this.literal(inputValue(argument.type), argument.type, true);
      return `${argument.name}: ${value}`;
    });
    if (chance(0.01)) list.push('noSuchArgument: 1');
    return list.length === 0 ? '' : `(${list.join(', ')})`;
  }

  field(field, depth) {
    // Fields with the same name and other arguments must have other names in the answer.
    const alias = field.args.length > 0 || chance(0.1) ? `${this.name('a')}: ` : '';
    const type = getNamedType(field.type);
    const selected = isLeafType(type) ? '' : ` ${this.selection(type, depth)}`;
    return `${alias}${field.name}${this.arguments(field)}${this.directives()}${selected}`;
  }

  /** Writes a part of a selection as a fragment. */
  fragment(type, depth) {
    const known = this.fragments.filter((fragment) => fragment.type === type && fragment.depth >= depth);
    if (known.length > 0 && chance(0.5)) return `...${pick(known).name}${this.directives()}`;
    const selected = this.selection(type, depth);
    if (chance(0.5)) return `... ${chance(0.7) ? `on ${type.name}` : ''}${this.directives()} ${selected}`;
    const name = this.name('F');
    this.fragments.push({ name, type, depth, text: `fragment ${name} on ${type.name} ${selected}` });
    return `...${name}${this.directives()}`;
  }

  selection(type, depth) {
    const parts = ['__typename'];
    if (isAbstractType(type)) {
      const possible = this.schema.getPossibleTypes(type).filter(() => chance(0.3));
      parts.push(...possible.slice(0, 3).map((each) => this.fragment(each, depth + 1)));
    }
    const fields = Object.values(type.getFields?.() ?? {}).filter(() => chance(0.4));
    for (const field of fields.slice(0, 8)) {
      if (depth < MAX_DEPTH || isLeafType(getNamedType(field.type))) parts.push(this.field(field, depth + 1));
    }
    if (depth < MAX_DEPTH && chance(0.12)) parts.push(this.fragment(type, depth + 1));
    return `{ ${parts.join(' ')} }`;
  }

  /** Writes an operation with one to three root fields. */
  operation(kind, type, name) {
    const first = this.variables.length;
    const fields = times(pick([1, 1, 2, 3]), () => this.field(pick(Object.values(type.getFields())), 0));
    if (chance(0.05)) fields.push(this.fragment(type, 0));
    const declared = this.variables.slice(first).map(({ declaration }) => declaration).join(', ');
    return `${kind} ${name}${declared && ` (${declared})`}${this.directives()} { ${fields.join(' ')} }`;
  }

}

/** Documents at a limit and one step over it: depth, aliases, tokens, cost and nesting. */
const extreme = [
  () => {
    const levels = pick([8, 11, 12, 13, 60, 70]);
    return `{ categories { ${'children { '.repeat(levels)}_id${' }'.repeat(levels)} } }`;
  },
  () => `{ ${times(pick([50, 51]), (index) => `a${index}: __typename`).join(' ')} }`,
  () => `{ ${'__typename '.repeat(pick([4_990, 4_998, 4_999, 20_000]))}}`,
  () => `{ productConnection(first: ${pick([100, 101])}) { nodes { variants { variants { name } } } } }`,
  () => `{ __schema { types { fields { type { ${'ofType { '.repeat(pick([3, 8, 16]))}name${' }'.repeat(16)} } } }`,
  () => `{ productConnection(filter: ${'['.repeat(pick([60, 70, 500]))}) { nodes { _id } } }`,
  () => `{ ...F0 } ${times(40, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`).join(' ')} fragment F40 on Query { __typename }`,
  () => '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
  () => `# ${'x'.repeat(100_000)}\n{ __typename }`,
  () => `mutation { ${times(pick([5, 11, 50]), (n) => `a${n}: registerUser(input: {username: "", password: ""}) { access_token }`).join(' ')} }`,
];

/** Returns a random request: the document, its variables and the name of its operation. */
export function request(schema) {
  if (chance(0.02)) return { query: pick(extreme)() };
  const document = new Document(schema);
  const roots = [
    ['query', schema.getQueryType()],
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
  ];
  if (chance(0.03)) roots.splice(0, 3, ['subscription', schema.getSubscriptionType()]);
  const names = chance(0.08) ? ['One', 'Two'] : [chance(0.2) ? 'One' : ''];
  const operations = names.map((name) => document.operation(...pick(roots), name));
  const fragments = document.fragments.map(({ text }) => text);
  const variables = Object.fromEntries(document.variables.map(({ name, value }) => [name, value]));
  const named = names.length > 1 || chance(0.05) ? { operationName: pick([...names, 'Three', null]) } : {};
  return { query: [...operations, ...fragments].join(' '), variables, ...named };
}
