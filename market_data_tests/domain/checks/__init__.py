"""Tests of the checks, on partitions in memory."""
