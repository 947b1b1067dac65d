// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OddToken} from "./OddToken.sol";

/// @title Accepts a permit and does nothing
contract EmptyPermitToken is OddToken {
    function permit(address, address, uint256, uint256, uint8, bytes32, bytes32) public override {}
}
