package upstream

import (
	"errors"
	"net/netip"
	"syscall"
)

// errLinkLocal is the error for an address that no upstream has, and cloud machines answer
// with credentials of their own.
var errLinkLocal = errors.New("the host is at a link-local address")

// metadataIPv6 is where AWS's machines answer beside the link-local addresses.
var metadataIPv6 = netip.MustParseAddr("fd00:ec2::254")

// refuseLinkLocal is a net.Dialer's Control: it sees the address after the name was
// resolved, so a name that changes its address in between gains nothing.
func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil //nolint:nilerr // not an IP address, so none of these
	}
	if ip := at.Addr().Unmap().WithZone(""); ip.IsLinkLocalUnicast() || ip == metadataIPv6 {
		return errLinkLocal
	}
	return nil
}
