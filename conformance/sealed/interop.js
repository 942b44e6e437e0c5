// Opens the records of the vectors with jose, and derives each user's key with Node's own HKDF.
import { hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { compactDecrypt } from "jose";

function contentKey(master, tenant, user) {
  const names = [tenant, user].map((name) => Buffer.from(name)).flatMap((name) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(name.length));
    return [length, name];
  });
  const info = Buffer.concat([Buffer.from("webex-oauth sealed 1"), ...names]);
  return new Uint8Array(hkdfSync("sha256", master, Buffer.alloc(0), info, 32));
}

const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
let passed = 0;
let failed = 0;
const check = (good, why) => {
  good ? passed++ : failed++;
  if (!good) console.log(`jose: ${why}`);
};
for (const test of vectors.groups.flatMap((group) => group.tests)) {
  const asked = test.input.seal;
  if (!asked || !test.expect.value) continue;
  const [keyId, encoded] = asked.keys.split(/\s/)[0].split(":");
  const key = contentKey(Buffer.from(encoded, "base64url"), asked.tenant, asked.user);
  const opened = await compactDecrypt(test.expect.value, key);
  const header = opened.protectedHeader;
  const isRight = header.kid === keyId && header.rev === JSON.parse(asked.snapshot).revision && header.typ === "webex-oauth";
  check(isRight && new TextDecoder().decode(opened.plaintext) === asked.snapshot, test.id);
  const other = await compactDecrypt(test.expect.value, new Uint8Array(32).fill(1)).then(() => "opened", () => "refused");
  check(other === "refused", `${test.id}: another key opens it`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed || !passed ? 1 : 0;
