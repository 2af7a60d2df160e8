// Rules for the GraphQL schema, whose file SCHEMA names.
import plugin from '@graphql-eslint/eslint-plugin';

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: {
      parser: plugin.parser,
      parserOptions: { graphQLConfig: { schema: process.env.SCHEMA } },
    },
    plugins: { '@graphql-eslint': plugin },
    rules: {
      '@graphql-eslint/require-description': [
        'error',
        { types: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true, rootField: true },
      ],
      '@graphql-eslint/require-deprecation-reason': 'error',
      '@graphql-eslint/no-unreachable-types': 'error',
      '@graphql-eslint/no-typename-prefix': 'off',
      '@graphql-eslint/unique-enum-value-names': 'error',
      '@graphql-eslint/no-hashtag-description': 'error',
      '@graphql-eslint/relay-connection-types': 'error',
      '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false }],
      '@graphql-eslint/relay-page-info': 'error',
      '@graphql-eslint/naming-convention': [
        'error',
        {
          types: 'PascalCase',
          // `_id` and `access_token` are older than the other names.
          FieldDefinition: { style: 'camelCase', ignorePattern: '^(_id|access_token|refresh_token)$' },
          InputValueDefinition: { style: 'camelCase', ignorePattern: '^(_id|refresh_token)$' },
          Argument: 'camelCase',
          EnumValueDefinition: 'UPPER_CASE',
        },
      ],
    },
  },
];
