"""Completion in bash, whose words end at colons, which names of transports have.

click passes COMP_WORDS on, in which `shm:posix` is three words (COMP_WORDBREAKS, bash(1)). Here the
line is passed on, and what stands before the last colon is taken off each value, since bash
replaces what follows it.
"""

from __future__ import annotations

import os

from click.shell_completion import BashComplete, add_completion_class, split_arg_string

_SOURCE = r"""
%(complete_func)s() {
    local IFS=$'\n'
    local response completion type value
    local line="${COMP_LINE:0:COMP_POINT}"
    local word="${line##*[[:space:]]}" before=""
    if [[ $COMP_WORDBREAKS == *:* && $word == *:* ]]; then
        before="${word%%:*}:"
    fi
    response=$(env COMP_LINE="$line" %(complete_var)s=bash_complete $1)
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        if [[ $type == 'dir' ]]; then
            COMPREPLY=()
            compopt -o dirnames
        elif [[ $type == 'file' ]]; then
            COMPREPLY=()
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            COMPREPLY+=("${value#"$before"}")
        fi
    done
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class LineComplete(BashComplete):
    """Completion by the line up to the cursor."""

    source_template = _SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is completed, and its beginning."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)[1:]
        if not words or line[-1].isspace():
            return words, ""
        return words[:-1], words[-1]


def register() -> None:
    """Let `_IPCBENCH_COMPLETE=bash_source` print this function."""
    add_completion_class(LineComplete)
