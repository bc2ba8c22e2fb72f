package load

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/bench/data"
)

// richItems are the properties of calendar events of 70 KB, whose Subject is an
// empty stamp.
func richItems() ([]json.RawMessage, error) {
	var items []json.RawMessage
	for _, element := range data.Elements(data.Rich70K) {
		properties, err := propertiesOf(element)
		if err != nil {
			return nil, err
		}
		item, err := json.Marshal(properties)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// simpleItem is what every other change is of: it says its Subject only.
func simpleItem() json.RawMessage {
	return json.RawMessage(`{"Subject":"` + emptyStamp + `"}`)
}

func propertiesOf(element []byte) (map[string]json.RawMessage, error) {
	var said struct{ ResourceData map[string]json.RawMessage }
	if err := json.Unmarshal(element, &said); err != nil {
		return nil, err
	}
	maps.DeleteFunc(said.ResourceData, func(name string, _ json.RawMessage) bool {
		return strings.HasPrefix(name, "@") || name == "Id"
	})
	said.ResourceData["Subject"] = json.RawMessage(`"` + emptyStamp + `"`)
	return said.ResourceData, nil
}

// selected are the names of all properties, for $select.
func selected() ([]string, error) {
	properties, err := propertiesOf(data.Elements(data.Rich70K)[0])
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(properties)), nil
}

// mailbox is the address of the room that stream i watches.
func mailbox(i int) string { return fmt.Sprintf("room%05d@contoso.test", i) }

// resource is what stream i watches.
func resource(i int) string { return "users/" + mailbox(i) + "/events" }
