package daemon

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/metrics"
	"golang.org/x/net/netutil"
)

// maxRequests is how many HTTP connections each socket serves at once. Others wait in
// the kernel. ownDescriptors has room for two sockets.
const maxRequests = 16

// statusSocket is the name of the socket in the directory that systemd makes for the
// service (RuntimeDirectory=).
const statusSocket = "status.sock"

// ErrConfiguration marks an error of Serve that stays until somebody corrects the
// configuration or the units.
var ErrConfiguration = errors.New("faulty configuration")

// openMetrics returns the sockets that systemd has passed, or opens that of
// metrics.listen. If it cannot be opened, mail goes on without the metrics: any local
// user can take a port such as 9899.
func (d *daemon) openMetrics(c *config.Config, passed []net.Listener) ([]net.Listener, error) {
	listen := c.File.Metrics.Listen
	if listen == "" || len(passed) > 0 {
		return passed, nil
	}
	network, _, _ := milter.ParseListen(listen)
	if network == "tcp" && os.Getenv("RUNTIME_DIRECTORY") != "" {
		return nil, fmt.Errorf("%w: %s: metrics.listen %q: %s: %s", ErrConfiguration, c.Origin, listen, config.NoNetwork, config.EnableSocket)
	}
	l, err := listenToAll(listen)
	if err != nil {
		maillog.Write(d.log, maillog.InternalError{Fault: "no metrics until postseal restarts, and mail goes on: metrics." + err.Error()})
		return nil, nil
	}
	return []net.Listener{l}, nil
}

// openStatus opens the socket for "postseal status" under systemd. Mail does not need
// that socket, so a fault is only logged.
func (d *daemon) openStatus() []net.Listener {
	folder, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	if folder == "" {
		return nil
	}
	l, err := listenToAll("unix:" + filepath.Join(folder, statusSocket))
	if err != nil {
		maillog.Write(d.log, maillog.InternalError{Fault: "no socket for postseal status: " + err.Error()})
		return nil
	}
	return []net.Listener{l}
}

// listenToAll is milter.Listen, but any user can connect to a unix socket.
func listenToAll(listen string) (net.Listener, error) {
	l, err := milter.Listen(listen)
	if err == nil && l.Addr().Network() == "unix" {
		err = os.Chmod(l.Addr().String(), 0o666)
	}
	return l, err
}

// serveWeb serves HTTP until stop is called. Each connection is for one request, and
// is short. No answer or log line shows what a client sent.
func (d *daemon) serveWeb(listeners []net.Listener, handler http.Handler) (stop func()) {
	server := &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  5 * time.Second,
		WriteTimeout:                 15 * time.Second,
		MaxHeaderBytes:               8 << 10,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0),
	}
	server.SetKeepAlivesEnabled(false)
	for _, l := range listeners {
		go func() {
			if err := server.Serve(netutil.LimitListener(l, maxRequests)); !errors.Is(err, http.ErrServerClosed) {
				maillog.Write(d.log, maillog.InternalError{Fault: "metrics can no longer be read, and mail is not affected: " + err.Error()})
			}
		}()
	}
	return func() { server.Close() }
}

func (d *daemon) inForce() metrics.InForce {
	c := d.current.Load()
	return metrics.InForce{Config: c.Message, Edition: c.File.Rules.Edition, ListImported: c.ListImported()}
}
