package load

import (
	"reflect"

	"github.com/calwatch/calwatch/outlookstream"
)

// setConnectRate sets how many connections a second a Client may begin. A
// version of the library that has no such option is measured as it is.
func setConnectRate(options *outlookstream.Options, perSecond int) {
	if field := reflect.ValueOf(options).Elem().FieldByName("ConnectRate"); field.IsValid() && perSecond > 0 {
		field.Set(reflect.ValueOf(perSecond).Convert(field.Type()))
	}
}
