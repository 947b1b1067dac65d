// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDataMarket} from "../interfaces/IDataMarket.sol";
import {IProviderStake} from "../interfaces/IProviderStake.sol";
import {Quantities} from "./Quantities.sol";

/// @title What a client sees of a job besides what is stored: its deadlines and amounts
library JobViews {
    /// @param seen job, ledger and rounds as they are stored
    /// @param naming NAME
    function complete(IDataMarket.JobView memory seen, uint24 naming) internal pure {
        if (seen.job.state == IDataMarket.State.Proposed) seen.challengeBy = seen.job.deadline;
        if (seen.job.state == IDataMarket.State.Settled) seen.releaseBy = seen.job.deadline;
        _deadlines(seen, seen.ledger.round == 2 ? seen.roundTwo : seen.roundOne, naming);
        _amounts(seen, seen.job);
    }

    function _deadlines(IDataMarket.JobView memory seen, IProviderStake.Round memory round, uint24 naming)
        private
        pure
    {
        if (round.start == 0) return;
        uint24 fill = seen.ledger.fill;
        seen.drawFromBlock = round.startBlock + 2;
        seen.drawBy = round.start + fill;
        if (round.contestEnd == 0) return;
        seen.contestEnd = round.contestEnd;
        seen.fillBy = round.contestEnd + fill;
        if (round.commitBy == 0) return;
        seen.commitBy = round.commitBy;
        if (seen.ledger.round == 1 && !round.redrawn) seen.redrawBy = round.commitBy + fill;
        seen.nameBy = round.commitBy + naming;
    }

    function _amounts(IDataMarket.JobView memory seen, IDataMarket.Job memory job) private pure {
        seen.fine = Quantities.bond(job.seats, job.reward) / 3;
        bool settled = job.state == IDataMarket.State.Settled;
        if (settled || seen.roundOne.commitBy != 0) {
            uint24 late = settled ? job.late : seen.roundOne.late;
            seen.rewardPaid = Quantities.rewardPaid(job.floor, job.reward, late, seen.ledger.fill);
        }
        if (seen.ledger.held == 0) return;
        uint96 kept = job.released ? 0 : job.price + job.guarantee;
        if (!settled) kept += job.seats * job.reward;
        if (job.state == IDataMarket.State.Escalated && job.challenger != address(0)) kept += seen.ledger.bond;
        seen.pot = seen.ledger.held - kept;
    }
}
