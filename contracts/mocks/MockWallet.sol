// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title A contract wallet that consents to every signature, or answers as it is told
contract MockWallet is IERC1271 {
    enum Answer {
        Consent,
        Refuse,
        Revert,
        Short,
        BurnGas,
        Long
    }

    Answer public answer;

    function set(Answer answer_) external {
        answer = answer_;
    }

    /// @dev Lets the wallet call anything, so that it can list a dataset.
    function call(address target, bytes calldata data) external returns (bytes memory) {
        (bool ok, bytes memory result) = target.call(data);
        require(ok);
        return result;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (answer == Answer.Refuse) return 0xffffffff;
        if (answer == Answer.Revert) revert();
        if (answer == Answer.BurnGas) while (true) {}
        if (answer == Answer.Short) {
            assembly {
                return(0, 4)
            }
        }
        if (answer == Answer.Long) {
            assembly {
                return(0, 470000)
            }
        }
        return IERC1271.isValidSignature.selector;
    }
}
