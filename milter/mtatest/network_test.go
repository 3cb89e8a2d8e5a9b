package mtatest_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/postseal/postseal/milter/mtatest"
	"golang.org/x/sys/unix"
)

// ownNetwork is set in the environment of the tests when they have a network of
// their own.
const ownNetwork = "POSTSEAL_TEST_NETWORK"

// enterNetwork starts the tests again in a network of their own, which has only
// a loopback interface. No test can send anything off the host, and ports 25
// and 53 of 127.0.0.1 are free.
func enterNetwork() error {
	if err := mtatest.Unshare(ownNetwork, "--net", "--mount"); err != nil {
		return err
	}
	return loopbackUp()
}

func loopbackUp() error {
	return setLoopback("lo", unix.SIOCSIFFLAGS, func(lo *unix.Ifreq) error {
		lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		return nil
	})
}

// addAddress gives the loopback interface another address.
func addAddress(addr string) error { return addAddressAs("lo:1", addr) }

// addAddressAs adds an address under a name, by which removeAddress removes it. Its
// mask excludes its neighbours.
func addAddressAs(name, addr string) error {
	set := func(request uint, text string) error {
		return setLoopback(name, request, func(lo *unix.Ifreq) error {
			ip := netip.MustParseAddr(text).As4()
			return lo.SetInet4Addr(ip[:])
		})
	}
	if err := set(unix.SIOCSIFADDR, addr); err != nil {
		return err
	}
	return set(unix.SIOCSIFNETMASK, "255.255.255.255")
}

// removeAddress removes an address. Connections to it stay open and fall silent, as
// if the host were gone.
func removeAddress(name string) error {
	return setLoopback(name, unix.SIOCSIFFLAGS, func(lo *unix.Ifreq) error {
		lo.SetUint16(0)
		return nil
	})
}

// setLoopback makes a request about the loopback interface, by one of its names.
func setLoopback(name string, request uint, set func(lo *unix.Ifreq) error) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	lo, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := set(lo); err != nil {
		return err
	}
	return os.NewSyscallError("ioctl "+name, unix.IoctlIfreq(socket, request, lo))
}

// resolveHere makes the resolver use 127.0.0.1 and complete names with the
// site's own domain. This affects only this process and its children.
func resolveHere(dir string) error {
	file := filepath.Join(dir, "resolv.conf")
	const text = "nameserver 127.0.0.1\nsearch trust.example\noptions timeout:5 attempts:3\n"
	return errors.Join(
		os.WriteFile(file, []byte(text), 0o644),
		os.NewSyscallError("mount /etc/resolv.conf", unix.Mount(file, "/etc/resolv.conf", "", unix.MS_BIND, "")),
	)
}
