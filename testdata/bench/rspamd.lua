-- The same job as postseal's: a header field on unmarked mail to an unlisted domain.
-- The bench replaces the word in capital letters.
local listed = rspamd_config:add_map{ type = 'set', url = 'DIRECTORY/table', description = 'secure domains' }

rspamd_config:register_symbol{
  name = 'UNMARKED',
  callback = function(task)
    local subject = task:get_subject() or ''
    if subject:lower():find('[secure]', 1, true) then return end
    for _, recipient in ipairs(task:get_recipients('smtp') or {}) do
      if not listed:get_key(recipient.domain:lower()) then
        task:set_milter_reply{ add_headers = { ['X-Unmarked'] = 'yes' } }
        return
      end
    end
  end,
}
