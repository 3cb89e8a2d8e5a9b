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
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/metrics"
	"golang.org/x/net/netutil"
)

// maxRequests is how many HTTP connections each socket serves at once. Others wait in
// the kernel.
const maxRequests = 16

// statusSocket is the name of the socket in the directory that systemd makes for the
// service (RuntimeDirectory=).
const statusSocket = "status.sock"

// openWeb opens the sockets that serve the figures: that of metrics.listen, or those
// that systemd has passed instead, and under systemd also one for "postseal status".
func openWeb(c *config.Config, passed []net.Listener) (listeners []net.Listener, err error) {
	listeners = passed
	var names []string
	folder := os.Getenv("RUNTIME_DIRECTORY")
	if folder != "" {
		names = append(names, "unix:"+filepath.Join(folder, statusSocket))
	}
	if name := c.File.Metrics.Listen; name != "" && len(passed) == 0 {
		names = append(names, name)
	}
	for _, name := range names {
		l, err := milter.Listen(name)
		if err == nil && l.Addr().Network() == "unix" {
			err = os.Chmod(l.Addr().String(), 0o666) // the directory says who may connect
		}
		if err != nil {
			return nil, fmt.Errorf("metrics.listen: %w", err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// serveWeb serves HTTP until the function that it returns is called. Each connection
// is for one request, is short, and shows nothing that the client sent.
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
				maillog.Write(d.log, maillog.InternalError{Fault: "the figures cannot be read any longer, and mail goes on: " + err.Error()})
			}
		}()
	}
	return func() { server.Close() }
}

// inForce returns the configuration in force.
func (d *daemon) inForce() metrics.InForce {
	c := d.current.Load()
	return metrics.InForce{Config: c.Message, Edition: c.File.Rules.Edition, ListImported: c.ListImported()}
}
