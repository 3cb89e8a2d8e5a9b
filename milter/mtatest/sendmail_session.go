package mtatest

import "net"

// Serve has Sendmail speak SMTP on a connection that was accepted, as inetd
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
