-- What the scripts share. An error of Lua ends miltertest without a word, so
-- that each failure is printed first.

function check(name, got, want)
  if got ~= want then
    print(string.format("%s: got %s, want %s", name, tostring(got), tostring(want)))
    error(name)
  end
end

ALL_STEPS, ALL_ACTIONS = 0x1fffff, 0x1ff

-- The manual page has steps and actions the other way round.
function negotiate(version, steps, actions)
  local conn = mt.connect(socket, 20, 0.1)
  check("connected", conn ~= nil, true)
  return conn, mt.negotiate(conn, version, steps, actions)
end

function open(steps)
  local conn, fault = negotiate(6, steps, ALL_ACTIONS)
  check("negotiation", fault, nil)
  check("connect", mt.conninfo(conn, "client.example", "192.0.2.7"), nil)
  return conn
end

-- Each stage of a message by itself. One that was negotiated away is left out.
stages = {
  {"HELO", SMFIP_NOHELO, function(conn) return mt.helo(conn, "client.example") end},
  {"MAIL", SMFIP_NOMAIL, function(conn) return mt.mailfrom(conn, "<ward@trust.example>") end},
  {"RCPT", SMFIP_NORCPT, function(conn) return mt.rcptto(conn, "<bob@gmail.com>") end},
  {"DATA", SMFIP_NODATA, function(conn) return mt.data(conn) end},
  {"header", SMFIP_NOHDRS, function(conn) return mt.header(conn, "Subject", "[secure] x") end},
  {"end of header", SMFIP_NOEOH, function(conn) return mt.eoh(conn) end},
  {"body", SMFIP_NOBODY, function(conn) return mt.bodystring(conn, "text\r\n") end},
}

function run(conn, stage)
  local name, skipped, call = stage[1], stage[2], stage[3]
  if mt.test_option(conn, skipped) then
    return
  end
  check(name, call(conn), nil)
  check("reply to " .. name, mt.getreply(conn), SMFIR_CONTINUE)
end

-- finish ends a message and checks its X-Postseal; nil is for none.
function finish(conn, name, verdict)
  check(name .. ": end", mt.eom(conn), nil)
  check(name .. ": reply", mt.getreply(conn), SMFIR_CONTINUE)
  check(name .. ": X-Postseal", mt.getheader(conn, "X-Postseal", 0), verdict)
end

-- message sends a whole one; fields are name, value, name, value and so on.
function message(conn, name, recipient, fields, verdict)
  check(name .. ": MAIL", mt.mailfrom(conn, "<ward@trust.example>"), nil)
  check(name .. ": RCPT", mt.rcptto(conn, recipient), nil)
  check(name .. ": reply to RCPT", mt.getreply(conn), SMFIR_CONTINUE)
  for i = 1, #fields, 2 do
    check(name .. ": header", mt.header(conn, fields[i], fields[i + 1]), nil)
  end
  finish(conn, name, verdict)
end

DIVERTED, TAGGED = "divert; marker=present", "tag; marker=missing"
