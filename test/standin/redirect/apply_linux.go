package redirect

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const tableName = "standin"

// Apply sets the rules in a network namespace, netns.None() being the caller's,
// in the place of those that it set before. It wants the capability NET_ADMIN.
func Apply(ns netns.NsHandle, s RuleSet) error {
	if err := addInbound6(ns); err != nil {
		return fmt.Errorf("address %s: %w", Inbound6, admin(err))
	}
	var options []nftables.ConnOption
	if ns.IsOpen() {
		options = append(options, nftables.WithNetNSFd(int(ns)))
	}
	conn, err := nftables.New(options...)
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	replace(conn, s)
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", admin(err))
	}
	return nil
}

// replace asks for the table to go and to come, in one transaction: deleting one
// that is not there is an error, so it is added first.
func replace(conn *nftables.Conn, s RuleSet) {
	table := &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
	conn.AddTable(table)
	conn.DelTable(table)
	conn.AddTable(table)
	hooks := map[string]*nftables.ChainHook{"prerouting": nftables.ChainHookPrerouting, "output": nftables.ChainHookOutput}
	for _, c := range s.chains() {
		added := conn.AddChain(&nftables.Chain{
			Name: c.hook, Table: table, Type: nftables.ChainTypeNAT,
			Hooknum: hooks[c.hook], Priority: nftables.ChainPriorityNATDest,
		})
		for _, r := range c.rules {
			conn.AddRule(&nftables.Rule{Table: table, Chain: added, Exprs: r.exprs()})
		}
	}
}

// addInbound6 makes ::6 an address of the loopback interface, unless the
// namespace has no IPv6.
func addInbound6(ns netns.NsHandle) error {
	handle, err := handleAt(ns)
	if err != nil {
		return err
	}
	defer handle.Close()
	lo, err := handle.LinkByName("lo")
	if err != nil {
		return err
	}
	have, err := handle.AddrList(lo, unix.AF_INET6)
	if err != nil || len(have) == 0 {
		return err
	}
	address := &netlink.Addr{
		IPNet: &net.IPNet{IP: Inbound6.AsSlice(), Mask: net.CIDRMask(128, 128)},
		Flags: unix.IFA_F_NODAD,
	}
	return handle.AddrReplace(lo, address)
}

func handleAt(ns netns.NsHandle) (*netlink.Handle, error) {
	if ns.IsOpen() {
		return netlink.NewHandleAt(ns)
	}
	return netlink.NewHandle()
}

// admin says which capability is missing where the kernel says that one is.
func admin(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: wanted the capability NET_ADMIN", err)
	}
	return err
}
