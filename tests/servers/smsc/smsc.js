// An SMSC on loopback, on npm `smpp` (not the client's own library): takes messages, tells receipts, misbehaves
// as planned. Started by tests/servers/smsc/__init__.py; commands come as JSON lines, and are answered so.
//
// plan, of the next submits: a word each, then all is well:
//   ok  0x58 (a status)  lost (this session is not bound any more)  silent  late  hold (its answer)  after (what is held)  drop  unbind  nack  garbage  badlength  nobody  noid  same
// binds, of the next binds: ok, a status, silent, drop, garbage
const fs = require('fs');
const readline = require('readline');
const smpp = require('smpp');

const set = Object.assign({
  password: 'secret', receipts: true, receipt_ms: 0, state: 2, form: 'both', answer_ids: 'hex8',
  receipt_ids: 'hex8', late_ms: 400, plan: [], binds: [], mark: true, window: 0, per_second: 0,
  drop_share: 0, refuse_share: 0, silent_share: 0, seed: 1,
}, JSON.parse(process.argv[2] || '{}'));
const book = [];
const bound = new Set();
let next = set.first_id || 1, binds = 0, enquiries = 0, unkept = 0, confirmed = 0, sockets = 0;
let random = set.seed;
const share = () => (random = (random * 1103515245 + 12345) % 2147483648) / 2147483648;
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const spell = (id, how) => ({
  hex8: () => id.toString(16).padStart(8, '0'), hex: () => id.toString(16).toUpperCase(),
  decimal: () => String(id), decimal10: () => String(id).padStart(10, '0'),
})[how]();
const two = (x) => String(x).padStart(2, '0');
const stamp = (d) => two(d.getUTCFullYear() % 100) + two(d.getUTCMonth() + 1) + two(d.getUTCDate())
  + two(d.getUTCHours()) + two(d.getUTCMinutes());
const STATES = { 1: 'ENROUTE', 2: 'DELIVRD', 3: 'EXPIRED', 4: 'DELETED', 5: 'UNDELIV', 6: 'ACCEPTD', 7: 'UNKNOWN', 8: 'REJECTD' };

function receiver() {
  for (const s of bound) if (s.receives) return s;
  return null;
}

function deliver(fields) {
  const s = receiver();
  if (!s) { waiting.push(fields); return; }
  const sent = s.deliver_sm(Object.assign({}, fields), (answer) => {
    if (answer.command_status === 0) { confirmed += 1; return; }
    unkept += 1;
    setTimeout(() => deliver(fields), 100);
  });
  if (!sent) waiting.push(fields);
}
const waiting = [], held = [];
let faults = 0;

function receipt(p, id) {
  const given = spell(id, set.receipt_ids);
  const fields = { source_addr: p.destination_addr, destination_addr: p.source_addr, esm_class: 4,
    source_addr_ton: 1, source_addr_npi: 1, short_message: '' };
  if (set.form !== 'tlv') {
    const now = stamp(new Date());
    fields.short_message = `id:${given} sub:001 dlvrd:001 submit date:${now} done date:${now} `
      + `stat:${STATES[set.state]} err:${set.state === 2 ? '000' : '021'} text:hello`;
  }
  if (set.form !== 'text') { fields.receipted_message_id = given; fields.message_state = set.state; }
  if (set.mark && p.user_message_reference !== undefined) fields.user_message_reference = p.user_message_reference;
  setTimeout(() => deliver(fields), set.receipt_ms);
}

function word() {
  if (set.plan.length) return set.plan.shift();
  const at = share();
  if (at < set.drop_share) return 'drop';
  if (at < set.drop_share + set.refuse_share) return '0x58';
  if (at < set.drop_share + set.refuse_share + set.silent_share) return 'silent';
  return 'ok';
}

function bind(s, p, receives) {
  binds += 1;
  const how = set.binds.length ? set.binds.shift() : 'ok';
  if (how === 'silent') return;
  if (how === 'drop') return s.destroy();
  if (how === 'garbage') return s.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  if (how.startsWith('0x')) { s.send(p.response({ command_status: parseInt(how, 16) })); return s.close(); }
  if (p.password !== set.password) { s.send(p.response({ command_status: smpp.ESME_RINVPASWD })); return s.close(); }
  s.receives = receives;
  bound.add(s);
  s.send(p.response({ system_id: 'TESTSMSC' }));
  if (receives) while (waiting.length) deliver(waiting.shift());
}

function take(p, how) {
  const id = how === 'same' ? next : next++;
  const m = p.short_message || {};
  book.push({
    to: p.destination_addr, from: p.source_addr, ton: p.source_addr_ton, npi: p.source_addr_npi,
    text: m.message === undefined ? String(m) : m.message,
    udh: m.udh ? Buffer.concat(m.udh.map((e) => Buffer.isBuffer(e) ? e : Buffer.from(e))).toString('hex') : '',
    coding: p.data_coding, esm: p.esm_class, receipts: p.registered_delivery, validity: p.validity_period,
    mark: p.user_message_reference, id: spell(id, set.answer_ids), how,
  });
  if (set.receipts && (p.registered_delivery & 1)) receipt(p, id);
  return id;
}

function submit(s, p) {
  const how = s.lost ? 'lost' : word();
  if (how !== 'ok') faults += 1;
  const head = (length, command, status) => {
    const b = Buffer.alloc(16);
    [length, command, status, p.sequence_number].forEach((v, i) => b.writeUInt32BE(v >>> 0, 4 * i));
    return b;
  };
  if (how.startsWith('0x')) return s.send(p.response({ command_status: parseInt(how, 16) }));
  if (how === 'lost') { s.lost = true; return s.send(p.response({ command_status: 4 })); }
  if (how === 'nack') return s.socket.write(head(16, 0x80000000, 3));
  if (how === 'unbind') return s.unbind(() => s.close());
  const id = take(p, how);
  if (how === 'silent') return;
  if (how === 'drop') return s.destroy();
  if (how === 'garbage') return s.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  if (how === 'badlength') return s.socket.write(head(5, 0x80000004, 0));
  if (how === 'nobody') return s.socket.write(head(16, 0x80000004, 0));
  const answer = p.response({ message_id: how === 'noid' ? '' : spell(id, set.answer_ids) });
  if (how === 'hold') { held.push(() => s.send(answer)); return; }
  if (how === 'after') while (held.length) held.shift()();
  if (how === 'late') return setTimeout(() => s.send(answer), set.late_ms);
  s.send(answer);
}

const options = set.cert ? { key: fs.readFileSync(set.key), cert: fs.readFileSync(set.cert) } : {};
const server = smpp.createServer(options, (s) => {
  sockets += 1;
  s.on('bind_transceiver', (p) => bind(s, p, true));
  s.on('bind_receiver', (p) => bind(s, p, true));
  s.on('bind_transmitter', (p) => bind(s, p, false));
  s.on('submit_sm', (p) => submit(s, p));
  s.on('enquire_link', (p) => { enquiries += 1; if (!set.deaf) s.send(p.response({ command_status: set.enquire_status || 0 })); });
  s.on('unbind', (p) => { s.send(p.response()); bound.delete(s); s.close(); });
  s.on('close', () => bound.delete(s));
  s.on('error', () => { bound.delete(s); s.destroy(); });
});
server.on('tlsClientError', () => {});
server.listen(set.port || 0, '127.0.0.1', () => say({ port: server.address().port }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, given] = JSON.parse(line);
  if (command === 'set') Object.assign(set, given);
  if (command === 'deliver') deliver(given);
  if (command === 'unbind') for (const s of bound) s.unbind(() => s.close());
  if (command === 'enquire') for (const s of bound) s.enquire_link(() => { set.alive = (set.alive || 0) + 1; });
  if (command === 'forget') book.length = 0;
  say(command === 'book' ? { book } : {
    binds, enquiries, unkept, confirmed, sockets, bound: bound.size, waiting: waiting.length, faults,
    alive: set.alive || 0, taken: book.length,
  });
}).on('close', () => process.exit(0));
