// Evaluates requests against policies as IAM does. Reads an object with "policies" and
// "cases" from standard input; a case names its policies by their index. Writes the
// list of results, "Allowed", "ImplicitlyDenied", "ExplicitlyDenied" or an error.
//
//   node evaluate.mjs FOLDER-WITH-node_modules <cases.json
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { runSimulation } = createRequire(process.argv[2] + "/")("@cloud-copilot/iam-simulate");

// The simulator drops condition keys whose name ends with the caller's own words, tags
// apart. So the encryption context goes under another name, in policies and requests alike.
const text = readFileSync(0, "utf8");
const { policies, cases } = JSON.parse(text.replaceAll("kms:EncryptionContext:", "aws:PrincipalTag/EncryptionContext:"));

const results = [];
for (const c of cases) {
  const answer = await runSimulation(
    {
      request: {
        principal: c.principal,
        action: c.action,
        resource: { resource: c.resource, accountId: c.account },
        contextVariables: c.context ?? {},
      },
      identityPolicies: c.identity === undefined ? [] : [{ name: "role", policy: policies[c.identity] }],
      resourcePolicy: c.onResource === undefined ? undefined : policies[c.onResource],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  results.push(answer.resultType === "error" ? "error: " + JSON.stringify(answer.errors) : answer.overallResult);
}
process.stdout.write(JSON.stringify(results));
