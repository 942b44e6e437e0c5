// oidc-provider as a strict foreign authorization server on loopback. ../README.md has the protocol and the clients.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

// Standard output carries the ready line and nothing else; the library's advice for production is not for here.
console.info = console.warn = () => {};
const { Provider } = await import('oidc-provider');

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'access-ttl': { type: 'string', default: '3600' },
    'refresh-ttl': { type: 'string', default: '86400' },
    'code-ttl': { type: 'string', default: '60' },
    'device-ttl': { type: 'string', default: '600' },
    'no-rotation': { type: 'boolean', default: false },
    odd: { type: 'boolean', default: false },
    'redirect-uri': { type: 'string', multiple: true, default: [] },
  },
});
const seconds = (name) => Number.parseInt(flags[name], 10);

// Native clients may use any port of a registered loopback address.
const interactive = {
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/callback', 'com.example.webexoauth:/callback', ...flags['redirect-uri']],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
};
const headless = { redirect_uris: [], response_types: [] };
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

const clients = [
  { ...interactive, client_id: 'public', token_endpoint_auth_method: 'none' },
  // Reserved characters: RFC 6749 section 2.3.1 wants them form-encoded inside Basic, and this server insists.
  {
    ...interactive,
    client_id: 'basic',
    client_secret: 'test only: 100%/+&=',
    token_endpoint_auth_method: 'client_secret_basic',
  },
  { ...interactive, client_id: 'post', client_secret: 'test-only-post', token_endpoint_auth_method: 'client_secret_post' },
  { ...headless, client_id: 'device', token_endpoint_auth_method: 'none', grant_types: [deviceGrant, 'refresh_token'] },
  {
    ...headless,
    client_id: 'machine',
    client_secret: 'test-only-machine',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
  },
];

const server = createServer();
server.listen(Number.parseInt(flags.port, 10), '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients,
  scopes: ['openid', 'offline_access', 'read', 'write', 'spark:people_read', 'spark:rooms_read'],
  pkce: { required: () => true },
  rotateRefreshToken: !flags['no-rotation'],
  // As Webex does: whoever may refresh gets a refresh token, without a scope for it.
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: () => false,
  // A token of one second lives for one second.
  clockTolerance: 0,
  cookies: { keys: ['test only'] },
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  ttl: {
    AccessToken: seconds('access-ttl'),
    ClientCredentials: seconds('access-ttl'),
    RefreshToken: seconds('refresh-ttl'),
    AuthorizationCode: seconds('code-ttl'),
    DeviceCode: seconds('device-ttl'),
    Grant: seconds('refresh-ttl'),
    IdToken: 3600,
    Interaction: 600,
    Session: 3600,
  },
});

// A small API to try a token on.
provider.use(async (ctx, next) => {
  if (ctx.path !== '/api/me') return next();
  const [, value] = /^Bearer (.+)$/.exec(ctx.get('authorization')) ?? [];
  const token =
    value && ((await provider.AccessToken.find(value)) ?? (await provider.ClientCredentials.find(value)));
  if (!token) {
    ctx.status = 401;
    ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
    ctx.body = { error: 'invalid_token' };
    return undefined;
  }
  ctx.body = { user: token.accountId ?? null, client_id: token.clientId, scope: token.scope ?? '' };
  return undefined;
});

// What other servers have been seen to send, or might: one oddity for each token answer, in turn. Each changes the text of an
// answer, and leaves its two tokens alone.
const member = (name, value) => (text) =>
  text.replace(new RegExp(`,"${name}":("[^"]*"|[0-9]+)`), '').replace(/}$/, `,"${name}":${value}}`);
const oddities = [
  ...['"3600"', '"soon"', '-1', '1e400', 'null', '[]', '{}', 'true', '99999999999999999999'].map((value) =>
    member('expires_in', value)),
  ...['null', '7', '["read"]', '"read,write"', '{"read":true}'].map((value) => member('scope', value)),
  ...['7', 'null', '"bearer"', '[]'].map((value) => member('token_type', value)),
  ...['"never"', 'false', '{}'].map((value) => member('refresh_token_expires_in', value)),
  member('id_token', '[[[[[[[[{}]]]]]]]]'),
  member('error', '"none"'),
  member('error_description', '7'),
  member('half', '"\\ud800"'),
  member('issued_at', '"1970-13-45T99:99:99Z"'),
  (text) => `\ufeff${text}`,
  (text) => ` \r\n${text}\n\n`,
  (text) => text.replace(/^{/, '{"expires_in":1,'),
];
let answers = 0;
if (flags.odd) {
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path !== '/token' || ctx.status !== 200) return;
    ctx.body = oddities[answers++ % oddities.length](JSON.stringify(ctx.body));
    ctx.type = 'application/json';
  });
}

server.on('request', provider.callback());
const metadata = `${issuer}/.well-known/openid-configuration`;
process.stdout.write(`${JSON.stringify({ issuer, port, metadata, oddities: flags.odd ? oddities.length : 0 })}\n`);

// Whoever started the server holds its standard input: when that closes, so does the server.
process.stdin.resume();
process.stdin.on('close', () => process.exit(0));
