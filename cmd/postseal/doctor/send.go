package doctor

// Send submits a message with sendmail(1). Sendmail's own configuration is never
// named: with sendmail.cf instead of submit.cf, a message passes no milter.
func (s *Site) Send(to, message string) error {
	args := []string{"-i", "--", to}
	if s.Postfix != nil && !s.Postfix.isDefault {
		args = append([]string{"-C", s.Postfix.Directory}, args...)
	}
	_, err := run(message, "sendmail", args...)
	return err
}
