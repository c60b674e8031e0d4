/**
 * For `node --require`: gives noble and bleno controllers of an emulator instead of the machine's adapter. The packages
 * whose place is taken need be neither built nor of use on this machine.
 */
'use strict'

const Module = require('node:module')

const REPLACED = new Set(['@abandonware/bluetooth-hci-socket', '@stoprocent/bluetooth-hci-socket'])

const load = Module._load
Module._load = function (request, ...rest) {
  return REPLACED.has(request) ? require('./emulated-hci-socket.cjs') : load.call(this, request, ...rest)
}
