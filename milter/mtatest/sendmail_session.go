package mtatest

import "net"

// Serve runs an SMTP session of Sendmail on an accepted connection, as inetd
// does. It returns at the end of the session.
func (s *Sendmail) Serve(conn *net.TCPConn) error {
	file, err := conn.File()
	conn.Close()
	if err != nil {
		return err
	}
	defer file.Close()
	cmd := s.sendmail("sendmail.cf", "-bs")
	cmd.Stdin, cmd.Stdout = file, file
	return cmd.Run()
}
