"""Words of one side of the strait that may not stand in texts for the other: those that were there, and what converters leave."""

from __future__ import annotations

import re

MAINLAND_ONLY = """
二維碼 工牌 攝像頭 屏幕 用戶 賬 軟件 硬件 服務器 網絡 (?<!連接)埠 默認 視頻 信息 設備 許可權 許可證 證書 頒發 私鑰 密鑰 簽名
哈希 模板 文檔 打印 字符 字節 進程 守護 程序 訪問 退出登入 區域網(?!路) 合同 個人資訊 審批 考勤 釋出 同意文字 併為 銷燬 丟失
重置 自檢 上行 鏈路 識別(?!證) 閾值 匹配 畫素 演示 讀卡器 下劃線 域名(?!稱) 當前 印章鎖 藍芽
"""
TAIWAN_ONLY = """
识别证 档案 资讯 软体 硬体 韧体 网路 伺服器 资料 使用者 萤幕 程式 预设 列印 视讯 介面 连接埠 凭证机构 金钥 签章 杂凑 范本 字元
位元组 常驻 登入 登出 工作阶段 稽核 装置 摄影机 磁碟 记忆体 辨识 门槛 透过 相片 印章锁
"""
STRANGE = {"zh-CN": TAIWAN_ONLY, "zh-TW": MAINLAND_ONLY}


def strays(language: str, text: str) -> list[str]:
    """Words of the other side, each with what stands around it."""
    return [found for word in STRANGE[language].split() for found in re.findall(f".{{0,8}}{word}.{{0,8}}", text)]
