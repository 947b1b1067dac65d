// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

/// @title Behaves as the code does that it points to, until it points to another
contract UpgradeableToken is ERC1967Proxy {
    constructor(address code) ERC1967Proxy(code, "") {}

    function upgrade(address code) external {
        ERC1967Utils.upgradeToAndCall(code, "");
    }

    function _unsafeAllowUninitialized() internal pure override returns (bool) {
        return true;
    }

    receive() external payable {}
}
