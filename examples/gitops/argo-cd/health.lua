-- How Argo CD reads the health of all kinds of pratique.dev. A request that waits for people is Suspended: a sync with one in
-- a hook or a wave goes on once it is Healthy, and fails once it is Degraded.
local hs = {status = "Progressing", message = "Waiting for the operator"}
local st = obj.status
if obj.metadata.deletionTimestamp ~= nil then
  hs.message = (st and st.message) or "It is being deleted"
  return hs
end
if st == nil then return hs end

local by = {}
for _, condition in ipairs(st.conditions or {}) do by[condition.type] = condition end
local ready = by.Ready or {}
hs.message = st.message or ready.message or hs.message
-- people write into an Approval while it is open: what it says is true all the same
if (st.observedGeneration or 0) ~= obj.metadata.generation and obj.kind ~= "Approval" then
  hs.message = "The operator has not seen the latest change"
  return hs
end

if obj.kind == "Action" and obj.spec.suspend == true then
  hs.status = "Suspended"
  hs.message = "The Action takes no new runs (spec.suspend)"
elseif st.phase == "WaitingForApproval" or (obj.kind == "Approval" and st.state == "Pending") then
  hs.status = "Suspended"
elseif obj.kind == "Approval" and st.state ~= nil then
  hs.status = (st.state == "Approved" or ready.status == "True") and "Healthy" or "Degraded"
elseif by.Stalled ~= nil and by.Stalled.status == "True" then
  hs.status = "Degraded"
elseif ready.status == "True" then
  hs.status = "Healthy"
elseif ready.status == "False" and (by.Reconciling == nil or by.Reconciling.status ~= "True") then
  hs.status = "Degraded"
end
return hs
