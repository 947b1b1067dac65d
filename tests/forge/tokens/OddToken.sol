// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A token with permit that anybody may mint, and that anybody may turn from plain to odd
abstract contract OddToken is ERC20("Odd", "ODD"), ERC20Permit("Odd") {
    bool public odd;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function turn(bool odd_) external {
        odd = odd_;
    }

    /// @dev Only what people send each other is odd, not what is minted or burnt.
    function _oddNow(address from, address to) internal view returns (bool) {
        return odd && from != address(0) && to != address(0);
    }
}
