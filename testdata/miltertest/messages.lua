-- Several messages on one connection, with their header fields in any order;
-- and an abort in every state, after which nothing of the message is left.
dofile("lib/session.lua")

for _, steps in ipairs {0, ALL_STEPS} do
  local conn = open(steps)
  message(conn, "marked", "<bob@gmail.com>", {"Subject", "[secure] x", "From", "a@trust.example"}, DIVERTED)
  message(conn, "unmarked", "<bob@gmail.com>", {"From", "a@trust.example", "Subject", "x"}, TAGGED)
  message(conn, "subject last", "<bob@gmail.com>", {"Received", "by mx", "To", "x", "sUBJECT", "[SECURE] x"}, DIVERTED)
  message(conn, "marker elsewhere", "<bob@gmail.com>", {"Comments", "[secure]", "Subject", "x"}, TAGGED)
  message(conn, "marker in one of two", "<bob@gmail.com>", {"Subject", "x", "Subject", "[secure]"}, "divert; marker=near-miss")
  message(conn, "no header", "<bob@gmail.com>", {}, "tag; marker=missing")
  message(conn, "secure", "<a@nhs.net>", {"Subject", "x"}, nil)
  message(conn, "forged", "<a@nhs.net>", {"X-Postseal", "tag", "Subject", "x"}, nil)
  check("forged: deleted", mt.eom_check(conn, MT_HDRDELETE, "X-Postseal"), true)

  check("RCPT", mt.mailfrom(conn, "<ward@trust.example>"), nil)
  check("closed", mt.rcptto(conn, "<x@y.gsi.gov.uk>"), nil)
  check("reply to closed", mt.getreply(conn), SMFIR_REPLYCODE)
  check("RCPT", mt.rcptto(conn, "<bob@nhs.nte>"), nil)
  check("reply to a look-alike", mt.getreply(conn), SMFIR_CONTINUE)
  check("end", mt.eom(conn), nil)
  check("look-alike", mt.eom_check(conn, MT_SMTPREPLY, "550", "5.7.1",
    "<bob@nhs.nte>: did you mean nhs.net? Correct the address, or ask the mail administrator to add its domain"), true)
  mt.disconnect(conn)

  for last = 0, #stages do
    local name = "abort after " .. (last == 0 and "connect" or stages[last][1])
    local conn = open(steps)
    for i = 1, last do
      run(conn, stages[i])
    end
    check(name, mt.abort(conn), nil)
    check(name .. ", twice", mt.abort(conn), nil)
    message(conn, name, "<eve@gmail.com>", {"Subject", "x"}, TAGGED)
    check(name .. ": deleted", mt.eom_check(conn, MT_RCPTDELETE, "<bob@gmail.com>"), false)
    mt.disconnect(conn)

    -- The MTA goes away without a word.
    conn = open(steps)
    for i = 1, last do
      run(conn, stages[i])
    end
    mt.disconnect(conn, false)
  end
end
