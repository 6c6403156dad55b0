"""Operations that hold programs: a choice between some, a loop over one, a program that is run again for its gradient.

Each is described by a value in its attribute `flow`, which knows its results, how to run, and its gradient: another
operation of these, so that any order of derivative and any nesting follows.
"""

from chainrule._flow._custom import custom_flow as custom_flow
from chainrule._flow._custom import custom_op as custom_op
from chainrule._flow._loops import SCAN as SCAN
from chainrule._flow._loops import WHILE as WHILE
from chainrule._flow._loops import Scan as Scan
from chainrule._flow._loops import While as While
from chainrule._flow._remat import REMAT as REMAT
from chainrule._flow._remat import Remat as Remat
from chainrule._flow._switch import SWITCH as SWITCH
from chainrule._flow._switch import Switch as Switch
