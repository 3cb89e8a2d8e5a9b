-- The queue ID at one stage or at none, and the MTA's own reading of a
-- recipient, which must not become the next recipient's or message's.
dofile("lib/session.lua")

for _, steps in ipairs {0, ALL_STEPS} do
  local conn = open(steps)
  message(conn, "no macro", "<bob@gmail.com>", {"Subject", "x"}, TAGGED)

  mt.macro(conn, SMFIC_MAIL, "i", "MAIL1", "{auth_authen}", "ward")
  message(conn, "queue ID at MAIL", "<bob@gmail.com>", {"Subject", "x"}, TAGGED)

  mt.macro(conn, SMFIC_CONNECT, "j", "mx.trust.example")
  check("MAIL", mt.mailfrom(conn, "<ward@trust.example>"), nil)
  mt.macro(conn, SMFIC_RCPT, "i", "RCPT1", "{rcpt_addr}", "bob@gmail.com")
  check("RCPT", mt.rcptto(conn, "<bob%gmail.com@trust.example>"), nil)
  check("reply to a percent hack", mt.getreply(conn), SMFIR_REPLYCODE)
  mt.macro(conn, SMFIC_RCPT, "i", "RCPT1", "{rcpt_addr}", "a@nhs.net")
  check("RCPT", mt.rcptto(conn, "<a@nhs.net>"), nil)
  check("reply to a secure recipient", mt.getreply(conn), SMFIR_CONTINUE)
  finish(conn, "queue ID at RCPT", nil)

  check("MAIL", mt.mailfrom(conn, "<ward@trust.example>"), nil)
  check("RCPT", mt.rcptto(conn, "<root>"), nil)
  check("reply to a bare name without a reading", mt.getreply(conn), SMFIR_REPLYCODE)
  check("abort", mt.abort(conn), nil)
  message(conn, "no macro again", "<a@nhs.net>", {"Subject", "x"}, nil)
  mt.disconnect(conn)
end
