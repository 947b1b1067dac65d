// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Several calls of one caller in one transaction, of which a bad one does not undo the others
/// @dev A bad item is one that reverts by itself; one that lacks gas undoes the whole.
abstract contract Multicall {
    /// @notice Item `index` of a multicall reverted with `reason` (the ABI-encoded error) and changed nothing.
    event CallFailed(uint256 index, bytes reason);

    /// @notice Item `index` got too little gas, so nothing of the multicall happened.
    error OutOfGas(uint256 index);

    /// @notice Runs each item as a call of the caller to this contract. Requirements:
    /// - no item runs out of gas ({OutOfGas}).
    /// @return ok which items succeeded
    /// @return results what each item returned, or its error
    function multicall(bytes[] calldata calls) external returns (bool[] memory ok, bytes[] memory results) {
        ok = new bool[](calls.length);
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 gasBefore = gasleft();
            // Calls this contract's own code: the caller stays the caller, and no function is payable.
            (ok[i], results[i]) = address(this).delegatecall(calls[i]);
            if (ok[i]) continue;
            // A call leaves a 64th of the gas to its caller, and calls nest up to four deep: less than a 16th is
            // left only if the item ran out of gas. An estimate of gas must not take that for a bad item.
            if (gasleft() < gasBefore / 16) revert OutOfGas(i);
            emit CallFailed(i, results[i]);
        }
    }
}
