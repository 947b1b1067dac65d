// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Several calls of one caller in one transaction, of which a bad one does not undo the others
abstract contract Multicall {
    /// @notice Item `index` of a multicall reverted with `reason` (the ABI-encoded error) and changed nothing.
    event CallFailed(uint256 index, bytes reason);

    /// @notice Runs each item as a call of the caller to this contract.
    /// @return ok which items succeeded
    /// @return results what each item returned, or its error
    function multicall(bytes[] calldata calls) external returns (bool[] memory ok, bytes[] memory results) {
        ok = new bool[](calls.length);
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            // Calls this contract's own code: the caller stays the caller, and no function is payable.
            (ok[i], results[i]) = address(this).delegatecall(calls[i]);
            if (!ok[i]) emit CallFailed(i, results[i]);
        }
    }
}
