# SPDX-License-Identifier: Apache-2.0
# xenstore from both sides: values, permissions, watches, transactions of its tools.

store() { guest store "xenstore $*"; }

values() {
	start store
	HOME_OF=/local/domain/$(domid store)
	same "its number" "$(store read domid)" $(domid store)
	same "its name" "$(store read name)" store
	same "the same by its path" "$(store read $HOME_OF/name)" store
	xenstore-write $HOME_OF/data/of-dom0 "from dom0"
	xenstore-chmod $HOME_OF/data/of-dom0 n0 r$(domid store)
	same "what dom0 wrote" "$(store read data/of-dom0)" "from dom0"
	store write data/of-guest word
	same "what the guest wrote" "$(xenstore-read $HOME_OF/data/of-guest)" word
	store write data/a/b/c deep data/a/d two
	same "its list" "$(xenstore-list $HOME_OF/data/a | sort | tr '\n' ' ')" "b d "
	store rm data/a
	refuses xenstore-read $HOME_OF/data/a/d
	same "a long value" "$(store "write data/long \$(printf %02000d 7); xenstore read data/long" | wc -c)" 2001
}

permissions() {
	local home
	home=/local/domain/$(domid store)
	refuses store write $home/name other
	refuses store write /local/domain/0/mine yes
	refuses store rm /local/domain/0/name
	refuses store write data/of-dom0 changed
	xenstore-write /hidden secret
	xenstore-chmod /hidden n0
	refuses store read /hidden
	xenstore-chmod /hidden n0 r$(domid store)
	same "once it may" "$(store read /hidden)" secret
	refuses store write /hidden changed
	xenstore-chmod /hidden n0 b$(domid store)
	store write /hidden changed
	same "what it wrote" $(xenstore-read /hidden) changed
	xenstore-rm /hidden
	xenstore-ls -p $home/data
}

# The guest's watch has told of so many events.
guest_saw() { [ "$(guest store "wc -l < /tmp/events")" -ge $1 ]; }

# Each write waits for the event before it: xenstored drops one that is still to be read.
watches() {
	local home pid
	home=/local/domain/$(domid store)
	xenstore-watch $home/data > $STATE/events &
	pid=$!
	wait_for 10 grep -q data $STATE/events
	store write data/bell ring
	wait_for 20 grep -q "^$home/data/bell" $STATE/events
	kill $pid
	guest store "xenstore watch -n 3 data/for-guest > /tmp/events 2>&1 &"
	wait_for 20 guest_saw 1
	xenstore-write $home/data/for-guest 1
	wait_for 20 guest_saw 2
	xenstore-write $home/data/for-guest 2
	wait_for 20 guest_saw 3
	same "events of the guest" "$(guest store 'sort -u /tmp/events')" data/for-guest
	xl destroy store
	refuses xenstore-read $home
}

step store-values values
then_step store-permissions permissions
then_step store-watches watches
