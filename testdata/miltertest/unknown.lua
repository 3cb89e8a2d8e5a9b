-- An SMTP command that the MTA does not know, in every state.
dofile("lib/session.lua")

local conn = open(0)
local function unknown(after)
  for _, command in ipairs {"VRFY bob", "", "XYZZY \255"} do
    check("unknown command after " .. after, mt.unknown(conn, command), nil)
    check("reply after " .. after, mt.getreply(conn), SMFIR_CONTINUE)
  end
end

unknown("connect")
for _ = 1, 2 do
  for _, stage in ipairs(stages) do
    run(conn, stage)
    unknown(stage[1])
  end
  finish(conn, "with unknown commands", DIVERTED)
  unknown("end")
end
mt.disconnect(conn)
