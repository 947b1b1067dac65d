// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Returns `size` bytes that start with `word` from a transfer that worked
contract OtherReturnToken is OddToken {
    uint256 private immutable _size;
    uint256 private immutable _word;

    constructor(uint256 size, uint256 word) {
        (_size, _word) = (size, word);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        return _answer();
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        return _answer();
    }

    function _answer() private view returns (bool) {
        if (!odd) return true;
        (uint256 size, uint256 word) = (_size, _word);
        assembly {
            mstore(0, word)
            return(0, size)
        }
    }
}
