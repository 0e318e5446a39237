// Actual's engine over the transactions of an export: adds them to a new budget, then asks as its pages do.
import { readFileSync } from "node:fs";
import * as api from "@actual-app/api";

const [table, dataDir, word] = process.argv.slice(2);
const rows = JSON.parse(readFileSync(table, "utf8")).transactions;
const fastest = async (ask) => {
  const taken = [];
  for (let reading = 0; reading < 5; reading += 1) {
    const began = performance.now();
    await ask();
    taken.push(performance.now() - began);
  }
  return Number(Math.min(...taken).toFixed(1));
};

await api.init({ dataDir, verbose: false });
const found = {};
let account = "";
await api.runImport("bench", async () => {
  account = await api.createAccount({ name: "All", type: "checking" }, 0);
  const began = performance.now();
  await api.addTransactions(
    account,
    rows.map((row) => ({
      date: row.date,
      amount: Math.round(Number(row.amount) * 100),
      payee_name: row.merchant ?? row.bank_text,
      imported_payee: row.bank_text,
    })),
  );
  found.add_per_second = Math.round((rows.length / (performance.now() - began)) * 1000);
});
const asked = () => api.q("transactions").filter({ account }).select(["id", "date", "amount", "payee.name"]);
found.list_ms = await fastest(() => api.aqlQuery(asked().orderBy({ date: "desc" }).limit(50)));
found.search_ms = await fastest(() =>
  api.aqlQuery(asked().filter({ imported_payee: { $like: `%${word}%` } }).orderBy({ date: "desc" }).limit(50)),
);
found.report_ms = await fastest(() =>
  api.aqlQuery(
    api.q("transactions").filter({ account }).groupBy({ $month: "$date" }).select([
      { month: { $month: "$date" } },
      { sum: { $sum: "$amount" } },
    ]),
  ),
);
await api.shutdown();
console.log(JSON.stringify(found));
process.exit(0);
